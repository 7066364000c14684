"""What a scrape takes of a pod that has many sockets."""
