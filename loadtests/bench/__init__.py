"""A benchmark of Socket.IO servers: ours, stock python-socketio, and Node's socket.io."""
