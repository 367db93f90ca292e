def write(parts, build, docs): pass
