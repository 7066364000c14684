"""Reports: what people complain of to those who run the server."""
