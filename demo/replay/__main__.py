"""``python -m demo.replay``."""

from demo.replay.cli import main

if __name__ == "__main__":
    main()
