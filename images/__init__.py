"""Images without Docker: Dockerfiles executed by buildah, bills of materials, and what a release has.

``recipe`` says what is built, ``base`` makes what it is built on, ``buildah`` builds, ``layout`` reads and
unpacks what came out, ``materials`` lists what is in it, ``release`` puts a release together.
"""
