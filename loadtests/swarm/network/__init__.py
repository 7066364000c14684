"""What carries packets between people and servers, in gevent's loop."""
