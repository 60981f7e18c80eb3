"""Dense, Embedding and other layers of one operation."""
