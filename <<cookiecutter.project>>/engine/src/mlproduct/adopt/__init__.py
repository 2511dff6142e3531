"""``adopt``: turn a generated product into one for a team's own table.

table.py          reads the table, and keeps the target apart
kinds.py          what each column contains: number, date, category, text
roles.py          key, time, group, feature, personal data
target.py         the problem that the target states
late.py           features that may be known too late
baselines.py      nothing, the rule and a quick model on the training side
study.py          all of these together
schema_code.py, rule_code.py, criteria_code.py, templates/    the texts of the files
profile_page.py   a page for people
writing.py        writes all files or none
command.py        the verb
"""
