-- A07 months that contradict themselves are asked for again by themselves.
-- depends: 0018_our_credentials

-- migrate: apply
UPDATE work_item SET refresh_at = now() WHERE status = 'needs_attention' AND reason = 'a07_checks_failed';

-- migrate: rollback
UPDATE work_item SET refresh_at = NULL WHERE status = 'needs_attention' AND reason = 'a07_checks_failed';
