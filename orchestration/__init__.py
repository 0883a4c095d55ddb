"""The wiring: definitions, resources, jobs, sensors, the Dagster instance, and the command line."""
