"""How the Debian package is made, on the release and the kind of machine that it is for; no part of the program.

What is in it comes from the wheel, installed into a virtual environment that is moved to its place. Only the standard
library is needed here, `python3-venv` and `dpkg-deb`.
"""
