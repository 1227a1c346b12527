-- name: retrieval
SELECT * FROM operators.retrieval
WHERE :company::text = '' OR company_id::text = :company OR visma_company_id::text = :company
ORDER BY visma_company_id, company_id, rank, data_set, period_label DESC;
