"""x"""
MUTATIONS = {}
def hunt(name, seeds): return None
