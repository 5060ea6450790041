"""What every view of a graph is made of: the walk over it, and its scopes, names, paths and symbols."""
