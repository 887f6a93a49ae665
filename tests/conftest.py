"""What all tests share. In the lab's kernel system calls are slow: no property test fails for being slow."""

import hypothesis

hypothesis.settings.register_profile("kglb", deadline=None)
hypothesis.settings.load_profile("kglb")
