"""Programs written for Keras: the import hook that ``cornu run`` installs, and the names, settings and notebooks it handles."""
