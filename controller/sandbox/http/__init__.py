"""The sandbox over HTTP: endpoints, wire format and faults."""
