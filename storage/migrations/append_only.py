"""What is written for inspectors can be added to, never changed or deleted (21 CFR 11.10(e))."""

APPEND_ONLY = """
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END;
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END;
    CREATE TRIGGER amendment_no_update BEFORE UPDATE ON corrective_amendment BEGIN
        SELECT RAISE(ABORT, 'an amendment stands as it was made');
    END;
    CREATE TRIGGER amendment_no_delete BEFORE DELETE ON corrective_amendment BEGIN
        SELECT RAISE(ABORT, 'an amendment stands as it was made');
    END;
    CREATE TRIGGER corrective_action_no_delete BEFORE DELETE ON corrective_action BEGIN
        SELECT RAISE(ABORT, 'a corrective action is amended, never deleted');
    END;
    CREATE TRIGGER unit_record_no_delete BEFORE DELETE ON unit_record BEGIN
        SELECT RAISE(ABORT, 'a record of a unit is never deleted');
    END;
"""
