"""Who is online, told to those who may know."""
