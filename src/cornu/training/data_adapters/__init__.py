"""Data adapters: conversion of arrays and iterables of batches to chunks of data for the training loop."""
