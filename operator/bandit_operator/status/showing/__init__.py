"""What a resource shows people, at one moment: a view of it, and the words for what is in it. Pure.

``view`` gathers, ``words`` says what reasons mean, ``acts`` and ``sentences`` write down. Terminal and web
page say the same by these.
"""
