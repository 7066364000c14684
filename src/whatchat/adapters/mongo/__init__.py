"""The store on MongoDB: a replica set is the truth that all pods share."""
