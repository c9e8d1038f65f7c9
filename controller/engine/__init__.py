"""One pass over the jobs, through the ports: observe, plan, execute and record."""
