"""Data from files and arrays: image files, folders as datasets, time series, and the dataset object that they return."""
