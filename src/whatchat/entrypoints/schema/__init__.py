"""OpenAPI and AsyncAPI, generated from the catalogue alone."""
