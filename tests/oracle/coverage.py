def compared_names():
    return set()
