"""Archives, which are read: zip and tar."""
