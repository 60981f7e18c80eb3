"""Files: atomic writes, downloads with hashes, cache folders, archives."""
