"""What teaches: chapters, pictures and the tools that keep them true. Nothing imports this package."""
