# SPDX-License-Identifier: GPL-2.0
"""Whether kernels/apt.py finds Debian's archives among a system's apt sources. What
`apt-get indextargets` says is made up."""
import unittest
from unittest import mock

from kernels import Error, apt

UNKNOWN = "$(ORIGIN)"	# what apt leaves of it where no index was fetched


def targets(*rows: tuple[str, str, str, str]) -> str:
    """The output of `apt-get indextargets`."""
    return "".join("|".join(row) + "\n" for row in rows)


class Declared(unittest.TestCase):
    """apt.declared() and what is made of it."""

    def test_each_release(self) -> None:
        """One suite shows where an archive is, whichever it is."""
        for suite in ("bookworm", "trixie", "forky", "sid", "stable", "trixie-updates"):
            text = targets(("http://m/debian/", suite, "main", "Debian"))
            self.assertEqual(apt.declared(text), {"main": "http://m/debian/"})

    def test_a_release_to_come(self) -> None:
        """The origin says that it is Debian's."""
        text = targets(("http://m/debian/", "zurg", "main", "Debian"),
                       ("http://s/", "zurg-security", "main", "Debian"))
        self.assertEqual(apt.declared(text), {"main": "http://m/debian/", "security": "http://s/"})

    def test_before_the_first_update(self) -> None:
        """The names of the suites alone."""
        text = targets(("http://m/debian/", "trixie", "main", UNKNOWN),
                       ("http://s/", "trixie-security", "main", UNKNOWN))
        self.assertEqual(apt.declared(text), {"main": "http://m/debian/", "security": "http://s/"})

    def test_not_someone_else(self) -> None:
        """Others have suites of such names, and other components."""
        text = targets(("http://other/", "stable", "main", "Other"),
                       ("http://another/", "trixie", "main", "Another"),
                       ("http://m/debian/", "trixie", "contrib", "Debian"),
                       ("http://m/debian/", "trixie", "main", "Debian"))
        self.assertEqual(apt.declared(text), {"main": "http://m/debian/"})


class Mirrors(unittest.TestCase):
    """apt.mirrors(), with a system's sources and the environment."""

    def mirrors(self, text: str, **environment: str) -> dict[str, str]:
        """Without what was found before."""
        with (mock.patch.object(apt, "output", return_value=text),
              mock.patch.dict("os.environ", environment, clear=True)):
            return apt.mirrors.__wrapped__()

    def test_none(self) -> None:
        """Somebody without Debian's archive is told how to name one."""
        ubuntu = targets(("http://u/ubuntu/", "noble", "main", "Ubuntu"))
        with self.assertRaisesRegex(Error, "export HV_KVP_DEBIAN="):
            self.mirrors(ubuntu)
        self.assertEqual(self.mirrors(ubuntu, HV_KVP_DEBIAN="http://m/debian"),
                         {"main": "http://m/debian"})

    def test_lines(self) -> None:
        """Every suite from the mirror that the system has, newer or older than its own."""
        uris = self.mirrors(targets(("http://m/debian/", "trixie", "main", "Debian")))
        found = [line.split()[-3:-1] for line in apt.lines(uris)]
        self.assertEqual(found, [["http://m/debian/", "bookworm"], ["http://m/debian/", "trixie"],
                                 ["http://m/debian/", "trixie-backports"]])
        uris["security"] = apt.beside(uris["main"])
        self.assertIn("http://m/debian-security bookworm-security main",
                      "\n".join(apt.lines(uris)))


if __name__ == "__main__":
    unittest.main()
