"""Slides: of the chapters, of the lectures, and the code in slides that somebody else wrote."""
