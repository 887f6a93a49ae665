"""What all tests share. In the lab's kernel system calls are slow: no property test fails for being slow.

Property tests try the same examples each time, so that a run says something about the change and nothing else;
``HYPOTHESIS_PROFILE=explore`` has them try others.
"""

import os

import hypothesis

hypothesis.settings.register_profile("kglb", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "kglb"))
