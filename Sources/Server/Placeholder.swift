// Removed by the first file that lands in this room.
