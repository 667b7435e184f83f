from tests.talk import open_talk, shop

__all__ = ["open_talk", "shop"]
