import sys, time, traceback
from concurrent.futures import ProcessPoolExecutor
from sim.world import Plan, World, Violation
def one(seed):
    w=World(Plan(seed)); t=time.process_time()
    try:
        w.run(); return seed,'',f'{w.agenda.steps} {time.process_time()-t:.2f} {w.processes} {w.process.state.seq} {w.witness.crashes}', w.log
    except BaseException as e:
        return seed, f'{type(e).__name__} {e}'[:1500], ('' if isinstance(e,Violation) else traceback.format_exc()), w.log
if __name__=="__main__":
    a,b=int(sys.argv[1]),int(sys.argv[2])
    if b-a>4:
        with ProcessPoolExecutor(2) as pool: rs=list(pool.map(one,range(a,b),chunksize=10))
    else: rs=[one(s) for s in range(a,b)]
    for seed,bad,info,log in rs:
        if bad: print(seed,'FAIL',bad,info)
        elif len(sys.argv)>3: print(seed,'ok',info)
        if len(sys.argv)>3:
            for x in log: print('  %.2f %s'%x)
    print(sum(1 for r in rs if not r[1]),'ok of',len(rs))
