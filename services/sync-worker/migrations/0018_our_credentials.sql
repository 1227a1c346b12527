-- What our own credentials have stopped is tried again by itself.
-- depends: 0017_given_up

-- migrate: apply
UPDATE work_item SET refresh_at = now() WHERE status = 'needs_attention' AND reason IN ('not_authenticated', 'configuration');

-- migrate: rollback
UPDATE work_item SET refresh_at = NULL WHERE status = 'needs_attention';
