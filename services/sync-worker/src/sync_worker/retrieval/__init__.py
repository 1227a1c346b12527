"""From a work item to landed and proven data, one request at a time."""
