profile = None
