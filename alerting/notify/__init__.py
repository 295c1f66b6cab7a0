"""From incident to people, as a list of small stages that each say why.

late -> inhibit -> silence -> quiet -> dedupe -> route -> group -> deliver -> record. All up to
`group` decide inside the journal's transaction; `deliver` works off the outbox; what each decided
is kept (`record`) and shown by `caretaker incident why`.
"""
