"""A faithful stand-in for the ActivitySmith service, with a phone page."""
