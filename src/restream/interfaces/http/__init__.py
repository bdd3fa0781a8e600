"""The HTTP interface: JSON for programs, health probes for whoever runs the service."""
