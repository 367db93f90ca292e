"""What the cluster shows: handlers, the cache they keep, and a look past the watches."""
