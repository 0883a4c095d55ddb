"""Preferences of people, clicked or said, and the fusion that they tune."""
