"""Objects, dictionaries, strings, generators and big numbers: what Python programs are made of."""


class Node:
    __slots__ = ("key", "left", "right")

    def __init__(self, key):
        self.key, self.left, self.right = key, None, None

    def insert(self, key):
        node = self
        while True:
            side = "left" if key < node.key else "right"
            below = getattr(node, side)
            if below is None:
                setattr(node, side, Node(key))
                return
            node = below

    def __iter__(self):
        if self.left:
            yield from self.left
        yield self.key
        if self.right:
            yield from self.right


def numbers(count, seed=1):
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        yield seed >> 8


def trees():
    root = Node(1 << 22)
    for number in numbers(4000):
        root.insert(number)
    return sum(i * key for i, key in enumerate(root)) % 1000003


def queens(size, columns=0, left=0, right=0, row=0):
    if row == size:
        return 1
    found = 0
    for column in range(size):
        a, b, c = 1 << column, 1 << (row + column), 1 << (row - column + size)
        if not (columns & a or left & b or right & c):
            found += queens(size, columns | a, left | b, right | c, row + 1)
    return found


def words():
    counts = {}
    for number in numbers(20000, 7):
        word = f"w{number % 997:03d}".upper().replace("W", "v")
        counts[word] = counts.get(word, 0) + 1
    return ",".join(f"{word}={count}" for word, count in sorted(counts.items(), key=lambda x: (-x[1], x[0]))[:5])


def big():
    number = 3 ** 2000
    for i in range(2, 250):
        number = number * i + 1
    return number % (10 ** 9 + 7)


print(trees(), queens(7), words(), big())
