"""The team's package: what rows look like, which models compete, and what runs when. The rest is in
engine/.
"""
