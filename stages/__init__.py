"""The stages of the pipeline, one file each: what a stage wants, what it has, and how a batch of it is made."""
