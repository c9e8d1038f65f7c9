"""``python -m controller`` is ``bedrock-jobs``."""

from controller.cli.main import main

if __name__ == "__main__":
    main()
