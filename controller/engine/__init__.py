"""One pass over the jobs: observe, plan, execute and record, through the ports."""
