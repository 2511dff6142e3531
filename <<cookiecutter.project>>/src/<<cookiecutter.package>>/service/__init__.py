"""The HTTP service: rows in, predictions out, by the champion of the moment.

settings.py     what the environment says about it
rows.py         rows of JSON held against the schema, without Pandera where that is not needed
pages.py        what the API looks like: the schema of a row, its problems
answers.py      what it answers, as the OpenAPI page tells it
follower.py     which model is live, and how another one becomes it
batching.py     rows that wait together are scored together
writer.py       predictions on their way to the log, behind the answer
retries.py      a request that is sent again is answered as before
app.py          the routes
connections.py  how long a request may take to come, and how many connections there may be
server.py       the process: signals, draining, exit code
"""
