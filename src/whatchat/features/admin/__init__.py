"""What those who run the server may see and do; never what people write."""
