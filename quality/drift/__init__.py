"""Drift of what comes in, seen through one version of a model: are later videos like the earlier ones?"""
