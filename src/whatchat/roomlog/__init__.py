"""The one writer of each room: decides, appends, announces."""
