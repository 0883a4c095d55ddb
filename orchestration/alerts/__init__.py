"""Alerts: what the daemon tells whoever the settings name."""
