//! Placeholder for the first line of this room.
